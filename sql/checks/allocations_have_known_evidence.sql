-- Every attributed allocation's evidence is a word of the vocabulary, with that word's confidence.
select allocations.build_id, allocations.run_id, allocations.path_id, allocations.callee, allocations.evidence, allocations.confidence,
from mapassign_allocations as allocations
left join evidence_kinds using (evidence)
where allocations.confidence is distinct from evidence_kinds.confidence
