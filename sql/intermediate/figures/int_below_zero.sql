-- The figures of benchmarks that a build has below zero in a run, and which are not judged there.
-- grain: build_id, metric, subject
-- scope: history
-- Changes are judged on logarithms.
select distinct build_id, metric, subject,
from figures_benchmarks
where value < 0
