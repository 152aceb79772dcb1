-- How many requests a run's traces saw arrive, by the goroutines that the HTTP and gRPC servers start for each.
-- grain: build_id, run_id
-- scope: build
-- net/http starts one for each request of HTTP/1 whose body has been read (startBackgroundRead in net/http/server.go), and
-- runs each handler of HTTP/2 in one of its own, as golang.org/x/net/http2 does; grpc-go one for each stream.
with

captures as (
    select * from int_counted_captures
    where kind in ('trace', 'flight') and duration_ns > 0
),

goroutines as (
    select * from stg_goroutines
),

counted as (
    select
        captures.build_id,
        captures.run_id,
        captures.capture_id,
        any_value(captures.duration_ns) as duration_ns,
        count(goroutines.goroutine_id) as request_count,
    from captures
    left join goroutines
        on goroutines.capture_id = captures.capture_id
        and goroutines.created_ns is not null
        and (
            goroutines.entry_function = 'net/http.(*connReader).backgroundRead'
            or goroutines.entry_function similar to '(net/http|.*/http2)\.\(\*(http2)?serverConn\)\.runHandler'
            or goroutines.entry_function similar to '.*/grpc\.\(\*Server\)\.serveStreams\.func.*'
        )
    group by captures.build_id, captures.run_id, captures.capture_id
)

select build_id, run_id, sum(request_count)::bigint as request_count, sum(duration_ns)::bigint as duration_ns,
from counted
group by build_id, run_id
