{# The classes of the indices in their order, from the lowest value up: a high value is a burden. #}
select
    idx.index_id,
    idx.name,
    class.klasse,
    cast(row_number() over (
        partition by idx.index_id order by class.ueber nulls first, class.bis nulls last
    ) as integer) as rang
from {{ source('warehouse', 'rule_index') }} as idx
inner join {{ source('warehouse', 'rule_index_class') }} as class
    on class.index_id = idx.index_id
