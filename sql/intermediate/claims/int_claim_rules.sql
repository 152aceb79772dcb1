-- What must be measured for each part of a claim to hold: a figure's bounds, and why these.
-- grain: claim_id, part
-- scope: all
-- A claim's number counts as met within a factor of 1.5 either way: it must not hang on the size of one value.
select claim_id, part, figure, at_least::double as at_least, at_most::double as at_most, reason,
from (
    values
    ('iface-deep-copy', 'passing copies', 'interface B/op', 1e6, null, 'a copy of the table is 3.5 MB'),
    ('iface-deep-copy', 'keeping copies', 'escaping B/op', 1e6, null, 'a copy of the table is 3.5 MB'),
    ('iface-since-1-10', 'copied when optimised', 'optimised B/op', 1e6, null, 'a copy of the table is 3.5 MB'),
    ('iface-since-1-10', 'copied when not', 'unoptimised B/op', 1e6, null, 'a copy of the table is 3.5 MB'),
    ('fmt-copies', '%v costs a copy', 'sprintf B/op / clone B/op', 1, null, 'maps.Clone is one copy'),
    ('fmt-copies', 'json costs a copy', 'marshal B/op / clone B/op', 1, null, 'maps.Clone is one copy'),
    ('fmt-copies', 'json takes 9.1 MB', 'marshal B/op', 9.1e6 / 1.5, 9.1e6 * 1.5, 'the number claimed'),
    (
        'reflect-mapassign-share', 'on the path through Convert', 'share under Convert and mapassign', 0.73, null,
        'the number claimed'
    ),
    (
        'reflect-mapassign-share', 'mapassign holds most', 'share under mapassign', 0.5, null,
        'how much over half depends on what the values weigh'
    ),
    ('pass-pointer', 'a pointer saves', 'empty-interface B/op - pointer B/op', 1, null, 'any saving'),
    (
        'pass-pointer', 'a small interface saves', 'empty-interface B/op - small-interface B/op', 1, null,
        'any saving'
    ),
    ('iface-loses-header', 'no writes by assertion', 'asserted lost-keys/op', 1, null, 'one key that is lost'),
    ('iface-loses-header', 'no writes by reflection', 'reflect lost-keys/op', 1, null, 'one key that is lost'),
    ('iface-pointer-only', 'no more than a pointer', 'convert B/op', null, 8, 'the size of a pointer'),
    ('iface-pointer-only', 'one table', 'convert shared-writes/op', 1, null, 'every write shows'),
    ('grow-allocates', 'at 6.5 keys a bucket', 'load keys-at-growth/bucket', 6.4, 6.6, 'the number claimed'),
    ('grow-allocates', 'growing allocates', 'load largest-growth-B', 8192, null, '512 pairs of 16 bytes'),
    (
        'grow-allocates', 'by hashGrow, newarray, mallocgc', 'assists in hashGrow, newarray, mallocgc', 1, null,
        'a stack with all three is proof'
    ),
    (
        'grow-allocates', 'old and new alive', 'old-table alive-over-final', 0.2, null,
        'the old table is half as large as the new; what else lives is below a tenth'
    ),
    ('bench-2-allocs', '2 allocations', 'interface allocs/op', 2, 2, 'the number claimed'),
    (
        'bench-2-allocs', '16 KB more in use', 'interface heap-inuse-delta-B', 16384 / 1.5, 16384 * 1.5,
        'the number claimed'
    ),
    ('asm-makemap', 'makemap is called', 'makemap calls, made and returned as interface', 1, null, 'one CALL'),
    (
        'asm-makemap', 'for the interface''s sake',
        'makemap calls, made and returned as interface - makemap calls, made and returned as map', 1, null,
        'one CALL that the same function without interface{} lacks'
    ),
    ('ctx-map-cost', 'a map costs 2 KB', 'map B/op', 2048 / 1.5, 2048 * 1.5, 'the number claimed'),
    ('ctx-map-cost', 'pauses over 5 ms', 'median GC pause sec', 0.005, null, 'the number claimed'),
    ('ctx-map-cost', 'a struct costs nothing', 'struct B/op', null, 16, 'less than one field'),
    ('ctx-map-cost', 'a pool lies between', 'pool B/op / map B/op', 0.05, 0.8, 'neither nothing nor the whole'),
    (
        'json-nested-leak', 'new inner maps', 'kept new-inner-maps/document', 4, null,
        'a document has four inner objects'
    ),
    (
        'json-nested-leak', 'kept, they leak', 'kept live-at-end-B / kept live-at-half-B', 1.8, null,
        'twice the documents, twice the bytes'
    ),
    (
        'json-nested-leak', 'deleting saves 40 %', 'deleted peak-B / kept peak-B', 1 - 0.4 * 1.5, 1 - 0.4 / 1.5,
        'the number claimed'
    ),
    (
        'json-nested-leak', 'expiry saves 65 %', 'expiring peak-B / kept peak-B', 1 - 0.65 * 1.5, 1 - 0.65 / 1.5,
        'the number claimed'
    ),
    (
        'json-nested-leak', 'expiry saves more than deleting', 'expiring peak-B / deleted peak-B', null, 0.9,
        'a tenth is more than sampling and sweeping make'
    ),
    (
        'shared-iface-bloat', 'more stays alive', 'interface live-B / direct live-B', 1.05, null,
        '64 headers are a ten-thousandth of the table; old buckets would be a half'
    ),
    ('four-steps', 'alloc_space narrows it down', 'alloc_space place', null, 3, 'what one looks at first'),
    ('four-steps', 'inuse_space shows it', 'inuse_space place', null, 1, 'the top of the list'),
    ('four-steps', 'goroutines show it', 'goroutines in the leak', 1, null, 'one stack leads there'),
    (
        'four-steps', 'what is assigned lives on', 'share of assigned bytes that lives', 0.9, null,
        'all of it but for what a profile''s sampling misses'
    ),
    (
        'trace-spin', 'writers go on and spin', 'programs that went on without a lock', 0.5, null,
        'most of the programs'
    ),
    (
        'trace-spin', 'to and fro in the map', 'stops inside map functions per second', 1000, null,
        'time slices of 10 ms alone make 100 a second and processor'
    ),
    ('trace-spin', 'reads block for 100 µs', 'map reads blocked over 100 µs', 1, null, 'one such read'),
    (
        'trace-mallocgc', 'bursts', 'map share of the busiest tenth', 0.5, null,
        'five times what an even growth would have; a list of equal objects is the control'
    ),
    ('escape-hint', 'every escaping map is named', 'escaping maps named', 1, null, 'all of them'),
    ('escape-hint', 'as moved to heap', 'escaping maps moved to heap', 1, null, 'all of them'),
    ('escape-hint', 'no other map is', 'staying maps named', null, 0, 'none of them'),
    ('ssa-rule', 'the rule finds the risk', 'findings in Concrete', 1, null, 'one assertion is of this kind'),
    ('ssa-rule', 'and nothing else', 'findings elsewhere', null, 0, 'none is'),
    ('ssa-rule', 'a concrete type panics', 'Concrete/other-type panics/op', 1, null, 'every time'),
    ('ssa-rule', 'a guarded one does not', 'Guarded/other-type panics/op', null, 0, 'never'),
    ('ssa-rule', 'nor when the key is missing', 'Guarded/missing panics/op', null, 0, 'never'),
    ('ssa-rule', 'nor one to interface{}', 'Interface/other-type panics/op', null, 0, 'never'),
    ('ssa-rule', 'nor that when the key is missing', 'Interface/missing panics/op', null, 0, 'never'),
    (
        'mapref', 'faster when mostly read', 'rwmutex/reads sec/op / syncmap/reads sec/op', null, 0.8,
        'a fifth is beyond what the machine''s other work does to the fastest repeat'
    ),
    (
        'mapref', 'faster when much written', 'rwmutex/writes sec/op / syncmap/writes sec/op', null, 0.8,
        'a fifth is beyond what the machine''s other work does to the fastest repeat'
    ),
    (
        'mapref', 'safer', 'syncmap/wrong-type panics/op', 1, null,
        'sync.Map takes a value of the wrong type; the wrapper would not compile'
    ),
    ('serialisers', 'gob copies many times', 'gob B/op / gob payload-B', 2, null, 'twice is many'),
    (
        'serialisers', 'one pass copies once', 'one-pass B/op / one-pass payload-B', 1 / 1.5, 1.5,
        'the number claimed'
    ),
    ('serialisers', 'in place, never', 'in-place B/op / in-place payload-B', null, 0.1, 'a tenth of a copy')
) as rules (claim_id, part, figure, at_least, at_most, reason)
