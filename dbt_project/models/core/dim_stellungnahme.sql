{# What municipalities and carriers say of the figures, as declared. #}
select
    position,
    raum_id,
    art,
    von,
    am,
    text
from {{ source('warehouse', 'rule_stellungnahme') }}
