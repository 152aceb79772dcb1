-- The size of a build's executables, and of the machine code of each package.
-- grain: build_id, run_id, metric, subject
-- scope: build
with

captures as (
    select * from stg_captures
),

functions as (
    select * from stg_binary_functions
),

code as (
    select
        captures.build_id,
        captures.run_id,
        regexp_extract(split_part(functions.function, '[', 1), '^(.*/)?[^./]+') as package,
        sum(functions.end_pc::hugeint - functions.start_pc::hugeint)::double as value,
    from functions
    inner join captures using (capture_id)
    group by all
)

select build_id, run_id, 'package_code_bytes' as metric, package as subject, value, 'binary' as evidence,
from code
where package <> '' and value > 0
union all by name
select build_id, run_id, 'binary_bytes' as metric, 'program' as subject, sum(size_bytes)::double as value,
    'binary' as evidence,
from captures
where kind = 'binary'
group by build_id, run_id
having sum(size_bytes) > 0
