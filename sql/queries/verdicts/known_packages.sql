-- The Go packages of all functions measured; type parameters and methods may hold slashes and dots too.
select distinct regexp_extract(split_part(coalesce(function, subject), '[', 1), '^(.*/)?[^./]*') as name
from observations
order by name
