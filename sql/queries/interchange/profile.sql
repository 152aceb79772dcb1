-- The samples of profiles by stack and type.
select samples.sample_type as cost, any_value(samples.unit) as unit, sum(samples.value)::bigint as value,
    any_value(stacks.functions) as functions, any_value(stacks.files) as files, any_value(stacks.lines) as lines,
    '' as reason,
from profile_samples as samples
inner join stacks using (stack_id)
where list_contains($captures, samples.capture_id)
group by samples.stack_id, samples.sample_type
order by samples.stack_id, samples.sample_type
