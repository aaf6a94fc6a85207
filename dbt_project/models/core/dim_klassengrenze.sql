{# Class limits of maps, as the region declares them: the same in every edition. #}
select
    indikator_id,
    klasse,
    ueber,
    bis,
    name
from {{ source('warehouse', 'rule_klassengrenze') }}
where indikator_id in ({{ "'" ~ var('indikatoren', ['']) | join("', '") ~ "'" }})
