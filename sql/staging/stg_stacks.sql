-- Call stacks, leaf first, as each capture holds them.
-- grain: capture_id, stack_id
select stack_id, path_id, functions, files, lines, pcs,
from stacks
