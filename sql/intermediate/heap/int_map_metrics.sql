-- Which metrics a call that allocates for a map counts to: mapassign_…, makemap_… or syncmap_….
-- grain: callee_class
-- scope: view
select callee_class, prefix,
from (
    values
    ('map_assign', 'mapassign'),
    ('map_grow', 'mapassign'),
    ('map_make', 'makemap'),
    ('map_clone', 'makemap'),
    ('sync_map', 'syncmap')
) as classes (callee_class, prefix)
