-- Every claim has a rule, and every rule a claim.
select int_claim_texts.claim_id as claimed, int_claim_rules.claim_id as ruled,
from int_claim_texts
full join int_claim_rules on int_claim_rules.claim_id = int_claim_texts.claim_id
where int_claim_texts.claim_id is null or int_claim_rules.claim_id is null
