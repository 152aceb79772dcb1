-- What a function's name says beside its place: package and bare name, without type arguments and closure numbers.
-- grain: function
-- scope: history
-- What initialises a package, and closures of its variables, have no names of their own.
with

-- Each once, before its name is taken apart: a history has millions of observations.
functions as (
    select distinct function,
    from observations
    where function is not null
),

plain_names as (
    select
        function,
        regexp_replace(
            regexp_replace(function, '\[.*\]', ''), '(\.func\d+|\.\d+|-range\d+|\.gowrap\d+)+$', ''
        ) as plain,
    from functions
),

packaged as (
    -- Up to the first dot after the last slash.
    select function, plain, regexp_extract(plain, '^(.*/)?[^./]+') as package,
    from plain_names
)

select
    function,
    plain,
    package,
    case when plain not in (package || '.init', package || '.map.init')
        then nullif(lower(regexp_extract(plain, '[^./()*]+$')), '')
    end as bare_name,
from packaged
