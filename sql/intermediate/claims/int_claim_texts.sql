-- What is claimed of maps in Go, by whom never mind: each claim in our own words, and how it is measured.
-- grain: claim_id
-- scope: all
select claim_id, chapter, text, measured,
from (
    values
    (
        'iface-deep-copy', '1',
        'A map given to an interface{} parameter is copied as a whole: some 8 MB for 100,000 entries, against 24 bytes when it is given as a map.',
        'Bytes per call that passes a map of 100,000 entries to an interface{} parameter, and per call that keeps it there.'
    ),
    (
        'iface-since-1-10', '1',
        'The runtime forces this copy since Go 1.10, and no optimisation takes it away.',
        'The same bytes with the compiler''s optimisations and without them.'
    ),
    (
        'fmt-copies', '1',
        'Formatting a large map with %v, or json.Marshal of it (9.1 MB for 100,000 entries), silently copies the table.',
        'Bytes per fmt.Sprintf and json.Marshal of 100,000 entries, over the bytes of maps.Clone.'
    ),
    (
        'reflect-mapassign-share', '1',
        'In the heap profile of a leak, reflect.Value.Convert leads to reflect.mapassign, which holds over 73 % of what is in use.',
        'Share of the bytes in use under both functions, and under reflect.mapassign alone, in a program that keeps maps decoded from JSON and converted by reflection.'
    ),
    (
        'pass-pointer', '1',
        'Passing a pointer to the map, or a small interface type, costs less than interface{}.',
        'Bytes per call that each of them saves over interface{}.'
    ),
    (
        'iface-loses-header', '2.1',
        'What got the map through an interface cannot grow it or write to it.',
        'Keys written through an interface{}, by assertion and by reflection, that the map then lacks; it grows on the way.'
    ),
    (
        'iface-pointer-only', '2.2',
        'Converting a map to an interface copies its pointer and nothing else.',
        'Bytes per conversion, and whether a write through the interface shows in the map.'
    ),
    (
        'grow-allocates', '2.3',
        'At 6.5 keys a bucket an assignment grows the table: hashGrow calls newarray, and that mallocgc; the buckets move step by step, so that old and new are alive for a while.',
        'Keys per bucket at the growth, what it allocates, stacks of mark assists in a trace, and how much more is alive on the way than at the end.'
    ),
    (
        'bench-2-allocs', '2.4',
        'A benchmark shows no allocation for a map passed directly, but two allocations and about 16 KB more heap in use when it is passed as an interface.',
        'Allocations per call, and the growth of HeapInuse over the benchmark.'
    ),
    (
        'asm-makemap', '2.5',
        'The assembly of a function that returns a map as interface{} calls runtime.makemap.',
        'CALLs of runtime.makemap in the compiler''s listing of functions that make and return a map, as interface{} and as a map.'
    ),
    (
        'ctx-map-cost', '3.1',
        'A request context of ten fields costs about 2 KB as map[string]interface{}, which at 5000 requests a second makes pauses of over 5 ms; a struct costs nothing, and a pool of maps is the middle way.',
        'Bytes per request of each kind; the median stop-the-world pause in a trace of 5000 requests a second.'
    ),
    (
        'json-nested-leak', '3.2',
        'Decoding into map[string]map[string]string makes new inner maps each time, which leak in a global cache; deleting lowers the peak by about 40 %, a sync.Map with expiry by about 65 %.',
        'Inner maps per document, live bytes after all documents over those after half, and the peaks when a document is of use until half of all have come after it.'
    ),
    (
        'shared-iface-bloat', '3.3',
        'Goroutines that share a map through interface{} each hold a header, which keeps the old buckets alive after it grew.',
        'Live bytes after growth while 64 goroutines hold the map as interface{}, over those while they hold it as a map.'
    ),
    (
        'four-steps', '4.1',
        'A leak is found by alloc_space, then inuse_space, then the stacks of goroutines, then the lifetimes of what is assigned.',
        'Place of the leaking function among all by each figure, goroutines in it, share of the assigned bytes that live, in a program whose garbage outweighs its leak.'
    ),
    (
        'trace-spin', '4.2',
        'Writers without a lock spin in mapassign, which a trace shows as goroutines going to and fro between runnable and running; map reads block for over 100 µs.',
        'Whether a program of such writers goes on; in a trace of locked readers and writers, stops and waits inside of map functions.'
    ),
    (
        'trace-mallocgc', '4.2',
        'The growth of a map shows in a trace''s heap as bursts of allocation.',
        'Share of the heap''s growth that falls into the busiest tenth of a map''s assignments.'
    ),
    (
        'escape-hint', '1, 4.2',
        'The compiler''s -m output points at maps that escape, by the words "moved to heap".',
        'Share of the maps that must escape which it names, and names in these words; of maps that need not, which it names too.'
    ),
    (
        'ssa-rule', '4.3',
        'A type assertion without ok on an element of a map of interface{} values is a risk when the type is concrete, and none when it is interface{} or guarded.',
        'Panics of each kind of assertion on a missing key and on a value of another type; findings of an analyzer that has the rule.'
    ),
    (
        'mapref', '4.4',
        'A generic wrapper with an RWMutex, made on first use, is safer and faster than sync.Map where the types are known.',
        'Time per operation, one write in 16 and one in two, over that of sync.Map on two processors; panics on a value of the wrong type.'
    ),
    (
        'serialisers', '4.4',
        'gob copies what it serialises many times, msgpack about once, a zero-copy format not at all.',
        'Bytes allocated to write and read back 10,000 records, over the bytes written. No msgpack in the standard library: one pass by hand stands for it.'
    )
) as claims (claim_id, chapter, text, measured)
