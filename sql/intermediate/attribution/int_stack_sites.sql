-- The place in the user's code that each stack leads to: its innermost frame outside the standard library.
-- user_functions are all of the stack's functions outside the standard library, innermost first. route is the package
-- that this frame called, and sync_map_call the method of sync.Map on the way. calling_function is the next frame out,
-- a closure as the function that it stands in: one closure more gives the others other numbers. is_within_request: a
-- server's handler runs, so that whatever blocks there, somebody waits for the answer; but for the handlers that take
-- captures. What these cost is their own: no code around them is the user's. A receive, a select, a WaitGroup, a Cond or a
-- sleep waits there for a request (waits_for_request), elsewhere for work (waits_for_work).
-- parked_in and parked_reason are of a goroutine that waits all through a capture: only such a stack begins with the
-- parking, and the runtime tells no other reason.
-- grain: build_id, stack_id
-- scope: build
-- DuckDB's own: list_transform and list_filter with a lambda, list slices.
with

captures as (
    select * from stg_captures
),

intervals as (
    select * from stg_goroutine_intervals
),

ranges as (
    select * from stg_trace_ranges
),

samples as (
    select * from stg_profile_samples
),

dumped as (
    select * from stg_goroutine_dump
),

races as (
    select * from stg_race_reports
),

stacks as (
    select * from stg_stacks
),

named as (
    select * from int_named_stacks
),

seen as (
    select capture_id, stack_id from intervals where state in ('waiting', 'syscall', 'runnable')
    union
    -- Who unlocks or receives wakes whom it kept waiting.
    select capture_id, waker_stack_id from intervals where state = 'waiting' and reason in ('sync', 'chan send')
    union
    select capture_id, stack_id from ranges
    union
    select capture_id, stack_id from dumped
    union
    select capture_id, stack_id from races
    union
    select capture_id, previous_stack_id from races
    union
    select capture_id, stack_id from samples
    where sample_type in (
        'alloc_space', 'alloc_objects', 'inuse_space', 'inuse_objects', 'cpu', 'delay', 'contentions', 'goroutine',
        'goroutineleak'
    )
),

used as (
    select distinct captures.build_id, seen.stack_id
    from seen
    inner join captures using (capture_id)
    where seen.stack_id is not null
),

-- A stack holds the same wherever it stands, but for the names that a build's binary gives it.
framed as (
    select
        null as named_build_id,
        stack_id,
        any_value(path_id) as path_id,
        any_value(functions) as functions,
        any_value(files) as files,
        any_value(lines) as lines,
    from stacks
    where stack_id in (select stack_id from used)
    group by stack_id
    union all
    select build_id, stack_id, path_id, functions, files, lines,
    from named
),

-- The first element of each frame's package path, type arguments left out: net for net/http.HandlerFunc.
-- Assembly functions may have no package in their names (aeshashbody): it is that of their file, below GOROOT/src or, as
-- -trimpath has it, alone. What has neither is C code, which a program calls: it is nobody's but the user's, also where
-- its name is that of a package (time). What the compiler makes to compare and hash values is the runtime's.
rooted as (
    select
        *,
        list_transform(
            functions,
            lambda f, place: case
                when starts_with(f, 'type:') or starts_with(f, 'type..') then 'runtime'
                when f <> '' and not contains(f, '.') then if(
                    ends_with(files[place], '.s'),
                    coalesce(nullif(split_part(regexp_replace(files[place], '^.*/src/', ''), '/', 1), ''), 'C'),
                    'C'
                )
                when contains(split_part(f, '[', 1), '/') then split_part(f, '/', 1)
                else split_part(split_part(f, '[', 1), '.', 1)
            end
        ) as roots,
        list_position(list_transform(functions, lambda f: starts_with(f, 'net/http/pprof.')), true) as capturing_frame,
    from framed
),

-- A module's path may lack a dot (so may main), hence the standard library by name. '' is a frame without symbol.
flagged as (
    select
        *,
        list_transform(roots, lambda r: capturing_frame is null and r not in (
            '', 'archive', 'bufio', 'bytes', 'cmp', 'compress', 'container', 'context', 'crypto', 'database',
            'debug', 'embed', 'encoding', 'errors', 'expvar', 'flag', 'fmt', 'go', 'hash', 'html', 'image',
            'index', 'internal', 'io', 'iter', 'log', 'maps', 'math', 'mime', 'net', 'os', 'path', 'plugin',
            'reflect', 'regexp', 'runtime', 'slices', 'sort', 'strconv', 'strings', 'structs', 'sync', 'syscall',
            'testing', 'text', 'time', 'unicode', 'unique', 'unsafe', 'vendor', 'weak'
        )) as are_user_code,
    from rooted
),

placed as (
    select
        *,
        list_position(are_user_code, true) as user_frame,
        list_position(
            list_transform(roots, lambda r: r not in ('', 'internal', 'runtime', 'sync')), true
        ) as outer_frame,
    from flagged
),

-- A stack of the runtime alone is told by its goroutine's entry, such as runtime.bgsweep.
sited as (
    select *, coalesce(capturing_frame, user_frame, outer_frame, len(functions)) as site,
    from placed
)

select
    used.build_id,
    used.stack_id,
    sited.path_id,
    sited.functions[sited.site] as function,
    sited.files[sited.site] as file,
    sited.lines[sited.site] as line,
    sited.functions[1] as leaf_function,
    sited.files[1] as leaf_file,
    sited.lines[1] as leaf_line,
    case when sited.outer_frame > 1 then sited.functions[sited.outer_frame - 1] end as wait_function,
    sited.functions[2] as leaf_caller,
    case when sited.functions[1] = 'runtime.gopark'
        then list_filter(sited.functions, lambda f: f not in ('runtime.gopark', 'runtime.goparkunlock'))[1]
    end as parked_in,
    case parked_in
        when 'runtime.selectgo' then 'select'
        when 'runtime.chanrecv' then 'chan receive'
        when 'runtime.chansend' then 'chan send'
        when 'runtime.netpollblock' then 'network'
        when 'runtime.semacquire1' then 'sync'
        when 'sync.runtime_notifyListWait' then 'sync.(*Cond).Wait'
        when 'time.Sleep' then 'sleep'
    end as parked_reason,
    sited.functions[sited.site + 1 : len(sited.functions)] as callers,
    regexp_replace(sited.functions[sited.site + 1], '(\.func\d+|\.\d+)+$', '') as calling_function,
    nullif(regexp_extract(sited.functions[sited.user_frame - 1], '^((?:[^/\[(]*/)*[^./\[(]+)\.', 1), '') as route,
    list_last(list_filter(
        sited.functions[1 : coalesce(sited.user_frame - 1, len(sited.functions))],
        lambda f: starts_with(f, 'sync.(*Map).')
    )) as sync_map_call,
    sited.user_frame is not null as is_user_code,
    list_has_any(sited.functions, [
        'net/http.serverHandler.ServeHTTP',
        'net/http.(*timeoutHandler).ServeHTTP.func1',
        'net/http.(*http2serverConn).runHandler',
        'net/http/internal/http2.(*serverConn).runHandler',
        'golang.org/x/net/http2.(*serverConn).runHandler',
        'google.golang.org/grpc.(*Server).handleStream',
        'net/rpc.(*service).call'
    ]) and sited.capturing_frame is null as is_within_request,
    regexp_matches(
        sited.functions[1], '^runtime\.(chanrecv|selectgo|block)|^sync\.\(\*(WaitGroup|Cond)\)\.|^time\.Sleep'
    ) as does_wait,
    does_wait and is_within_request as waits_for_request,
    does_wait and not is_within_request as waits_for_work,
    list_filter(sited.functions, lambda f, place: sited.are_user_code[place]) as user_functions,
from used
left join named
    on named.build_id = used.build_id
    and named.stack_id = used.stack_id
inner join sited
    on sited.stack_id = used.stack_id
    and sited.named_build_id is not distinct from named.build_id
