-- Which process of its run each capture of runtime metrics is of, where the counters say that there are several.
-- grain: capture_id
-- scope: build
-- What a process counts never becomes less: captures of which each is ahead of the other in something are of different
-- processes, if they are of one kind: /metrics and /debug/vars of one moment are read at two. Those that none is ahead of
-- in all are the last of each process; one that several of these may follow is of the process of that with the name most
-- like its own.
with

folders as (
    select * from int_capture_folders
),

measured as (
    select * from stg_runtime_metrics
),

buckets as (
    select * from stg_runtime_histograms
),

filled as (
    select folders.build_id, folders.run_id, folders.folder, folders.kind, buckets.capture_id, buckets.name,
        buckets.bucket_index,
        max(buckets.bucket_count)::double as value,
    from buckets
    inner join folders using (capture_id)
    group by all
),

-- The twenty fullest tell as much as all.
fullest as (
    select build_id, run_id, folder, kind, name, bucket_index,
    from filled
    group by build_id, run_id, folder, kind, name, bucket_index
    qualify row_number() over (
        partition by build_id, run_id, folder, kind order by max(value) desc, name, bucket_index
    ) <= 20
),

-- A bucket in which nothing is has no row.
counters as (
    select folders.build_id, folders.run_id, folders.folder, folders.kind, measured.capture_id, measured.name,
        max(measured.value) as value,
    from measured
    inner join folders using (capture_id)
    where measured.name in (
        '/gc/cycles/total:gc-cycles', '/gc/heap/allocs:bytes', '/gc/heap/allocs:objects', '/gc/heap/frees:bytes',
        '/gc/heap/frees:objects', '/gc/heap/tiny/allocs:objects', '/sync/mutex/wait/total:seconds', 'memstats.PauseTotalNs',
        'memstats.Mallocs', 'memstats.Frees',
        '/cpu/classes/gc/mark/assist:cpu-seconds', '/cpu/classes/gc/mark/dedicated:cpu-seconds',
        '/cpu/classes/gc/mark/idle:cpu-seconds', '/cpu/classes/gc/pause:cpu-seconds', '/cpu/classes/idle:cpu-seconds',
        '/cpu/classes/scavenge/background:cpu-seconds', '/cpu/classes/total:cpu-seconds'
    )
    group by all
    union all
    select fullest.build_id, fullest.run_id, fullest.folder, fullest.kind, seen.capture_id,
        fullest.name || ' ' || fullest.bucket_index,
        coalesce(filled.value, 0),
    from (select distinct build_id, run_id, folder, kind, capture_id, name from filled) as seen
    inner join fullest using (build_id, run_id, folder, kind, name)
    left join filled using (build_id, run_id, folder, kind, capture_id, name, bucket_index)
),

-- Where all counters put the captures into one order there is one process, and no pairs need be compared.
ranked as (
    select *, rank() over (partition by build_id, run_id, folder, kind, name order by value) as place,
    from counters
),

placed as (
    select *, sum(place) over (partition by capture_id) / count(*) over (partition by capture_id) as mean_place,
    from ranked
),

stepped as (
    select build_id, run_id, folder, kind,
        value < lag(value) over (
            partition by build_id, run_id, folder, kind, name order by mean_place, capture_id
        ) as is_fallen,
    from placed
),

suspected as (
    select distinct build_id, run_id, folder, kind,
    from stepped
    where is_fallen
),

compared as (
    select one.build_id, one.run_id, one.folder, one.kind, one.capture_id, other.capture_id as other_id,
        bool_or(one.value > other.value) as is_ahead,
        bool_or(one.value < other.value) as is_behind,
    from counters as one
    semi join suspected using (build_id, run_id, folder, kind)
    inner join counters as other using (build_id, run_id, folder, kind, name)
    group by all
),

several as (
    select distinct build_id, run_id, folder, kind,
    from compared
    where is_ahead and is_behind
),

last_ones as (
    select build_id, run_id, folder, kind, capture_id,
    from compared
    semi join several using (build_id, run_id, folder, kind)
    group by all
    having not bool_or(not is_ahead and (is_behind or capture_id < other_id))
)

select compared.build_id, compared.capture_id,
    arg_min(last_path.path, (levenshtein(own_path.path, last_path.path), last_path.path)) as process,
from compared
inner join last_ones
    on last_ones.capture_id = compared.other_id
inner join folders as own_path on own_path.capture_id = compared.capture_id
inner join folders as last_path on last_path.capture_id = compared.other_id
where not compared.is_ahead
group by compared.build_id, compared.capture_id
