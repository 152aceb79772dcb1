-- What is known and what is not are all of a build's sampled bytes, and nothing is known twice.
select build_id, sum(alloc_share) as alloc_share, min(alloc_bytes) as least_bytes,
from attribution_shares
group by build_id
having min(alloc_bytes) < 0 or (sum(alloc_bytes) > 0 and abs(sum(alloc_share) - 1) > 1e-9)
