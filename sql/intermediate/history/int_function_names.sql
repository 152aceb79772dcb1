-- What a function's name says beside its place: package and bare name, without type arguments and closure numbers.
-- grain: function
-- scope: history
with

observed as (
    select * from observations
),

named as (
    select distinct
        function,
        regexp_replace(
            regexp_replace(function, '\[.*\]', ''), '(\.func\d+|\.\d+|-range\d+|\.gowrap\d+)+$', ''
        ) as plain,
    from observed
    where function is not null
)

select
    function,
    plain,
    -- Up to the first dot after the last slash.
    regexp_extract(plain, '^(.*/)?[^./]+') as package,
    lower(regexp_extract(plain, '[^./()*]+$')) as bare_name,
from named
