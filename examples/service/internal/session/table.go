// Package session remembers who visits the shop.
package session

// keptSessions is how many visitors one generation of a table holds.
const keptSessions = 12

// ID names a session.
type ID [16]byte

// Session is what the shop remembers of a visitor. It holds no pointers: the
// garbage collector never looks into it.
type Session struct {
	Visitor   uint64
	FirstSeen int64
	LastSeen  int64
	Requests  int64
	SpentCent int64
	LastRoute [56]byte
}

// Table holds the latest sessions in two generations: when the young one is full it
// becomes the old one, and the old one's sessions are forgotten. A table belongs to
// one goroutine and so needs no lock.
type Table struct {
	young, old map[ID]Session
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{young: make(map[ID]Session), old: make(map[ID]Session)}
}

// Touch notes a request of a session, now being in nanoseconds.
func (t *Table) Touch(id ID, visitor uint64, route string, now int64) {
	s, ok := t.find(id)
	if !ok {
		s = Session{Visitor: visitor, FirstSeen: now}
	}
	s.LastSeen = now
	s.Requests++
	copy(s.LastRoute[:], route)
	t.young[id] = s
	if len(t.young) >= keptSessions {
		t.prune()
	}
}

// Len returns how many sessions are remembered.
func (t *Table) Len() int {
	return len(t.young) + len(t.old)
}

func (t *Table) find(id ID) (Session, bool) {
	if s, ok := t.young[id]; ok {
		return s, true
	}
	s, ok := t.old[id]
	return s, ok
}

// prune forgets the old generation. Its map is used again, so that a table that has
// once been full allocates no more.
func (t *Table) prune() {
	t.young, t.old = t.old, t.young
	clear(t.young)
}
