-- What is said of a build beside one other, in the place of verdicts of a history.
select
    $build_id::varchar as build_id,
    $build_id::varchar as first_build_id,
    null::varchar as first_subject,
    'at_once' as found,
    null::varchar as as_before_build_id,
    unnest($verdicts::struct(
        metric varchar, subject varchar, function varchar, calling_function varchar, status varchar,
        before double, after double, negligible double
    )[], recursive := true),
