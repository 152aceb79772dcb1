-- The Go packages of all functions measured, as they are imported.
-- Type parameters and methods may hold slashes and dots too; Go escapes the dots of a path's last part.
select distinct
    replace(regexp_extract(split_part(coalesce(function, subject), '[', 1), '^(.*/)?[^./]*'), '%2e', '.') as name,
from observations
order by name
