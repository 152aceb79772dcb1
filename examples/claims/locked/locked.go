// Package locked has the typed map that the advice recommends: generic, behind an RWMutex, made on first use.
package locked

import "sync"

// Map is ready for use as it is; it must not be copied.
type Map[K comparable, V any] struct {
	mutex sync.RWMutex
	m     map[K]V
}

// Load returns key's value, and whether there is one.
func (l *Map[K, V]) Load(key K) (V, bool) {
	l.mutex.RLock()
	defer l.mutex.RUnlock()
	value, ok := l.m[key]
	return value, ok
}

// Store sets key's value.
func (l *Map[K, V]) Store(key K, value V) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.m == nil {
		l.m = map[K]V{}
	}
	l.m[key] = value
}
