// Package workers does the part of a request that needs no answer from elsewhere.
package workers

import (
	"encoding/binary"
	"time"

	"storefront/internal/session"
)

// Job is one piece of work of a session.
type Job struct {
	Session session.ID
	Visitor uint64
	Route   string
	Work    func() []byte

	done chan []byte
}

// Pool is a fixed number of workers. A session's jobs all go to one worker, which
// therefore owns the session and needs no lock for it.
type Pool struct {
	queues []chan Job
}

// Start returns a running pool, of which each worker queues so many jobs before a
// sender blocks.
func Start(count, queued int) *Pool {
	pool := &Pool{queues: make([]chan Job, count)}
	for i := range pool.queues {
		pool.queues[i] = make(chan Job, queued)
		go serve(pool.queues[i], session.NewTable())
	}
	return pool
}

// Do has a worker do the job and returns its result.
func (p *Pool) Do(job Job) []byte {
	job.done = make(chan []byte, 1)
	p.queues[p.owner(job.Session)] <- job
	return <-job.done
}

// Stop ends the workers once their queues are empty.
func (p *Pool) Stop() {
	for _, queue := range p.queues {
		close(queue)
	}
}

// owner returns which worker a session belongs to.
func (p *Pool) owner(id session.ID) int {
	return int(binary.LittleEndian.Uint64(id[:]) % uint64(len(p.queues)))
}

func serve(queue <-chan Job, sessions *session.Table) {
	for job := range queue {
		sessions.Touch(job.Session, job.Visitor, job.Route, time.Now().UnixNano())
		job.done <- job.Work()
	}
}
