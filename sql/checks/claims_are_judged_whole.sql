-- A verdict stands only where every part of the claim was measured, and holds or is refuted only by all of them.
select claim_id, build_id, verdict, parts,
from claim_measurements
where (verdict is null) <> list_contains(map_values(parts), null)
    or (verdict = 'holds' and list_contains(map_values(parts), false))
    or (verdict = 'refuted' and list_contains(map_values(parts), true))
