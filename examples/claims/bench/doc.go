// Package bench measures what is claimed of maps. A benchmark's name is the claim's id
// (iface-deep-copy is BenchmarkIfaceDeepCopy), its sub-benchmarks are what is compared.
// Verdicts rest on allocations where they can: these do not depend on the machine.
package bench
