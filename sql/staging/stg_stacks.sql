-- Call stacks, leaf first: all that the captures name, and what else stands in the files that they share.
-- grain: stack_id
select stack_id, path_id, functions, files, lines, pcs,
from stacks
