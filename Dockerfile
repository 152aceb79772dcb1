# docker build -t tracemill . && docker run --rm tracemill                              the demo
# docker run --rm -v $PWD/artifacts:/artifacts -v warehouse:/warehouse tracemill run /artifacts
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev
COPY . /src
RUN python -m venv /opt/tracemill
RUN /opt/tracemill/bin/pip install --no-cache-dir --no-deps --require-hashes -r /src/.ci/core.lock
RUN /opt/tracemill/bin/pip install --no-cache-dir --no-deps --no-build-isolation /src

FROM python:3.13-slim
COPY --from=build /opt/tracemill /opt/tracemill
COPY examples/artifacts /demo
ENV PATH=/opt/tracemill/bin:$PATH TRACEMILL_WAREHOUSE=/warehouse
VOLUME /warehouse
ENTRYPOINT ["tracemill"]
CMD ["run", "/demo"]
