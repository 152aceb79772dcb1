-- Heap objects with their types, of traces that record each allocation.
-- grain: capture_id, object, allocated_ns
select capture_id, object, allocated_ns, type_name, freed_ns, size_bytes,
from heap_objects
