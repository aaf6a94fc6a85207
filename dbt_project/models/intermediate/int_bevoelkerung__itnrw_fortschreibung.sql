{{ needs('itnrw_fortschreibung') }}
{# Inhabitants by the Fortschreibung. It knows municipalities only, so that its figures lie in their
   pseudo-areas; units above and those of other counties stay out. Grain: delivery × Kommune × sex. #}
select
    'itnrw_fortschreibung' as feed,
    totals.delivery_id,
    totals.liefereinheit,
    concat(kommune.kommune_id, '-ohne') as raum_id,
    stand.gebietsstand,
    totals.stichtag,
    'fortschreibung' as basis,
    'insgesamt' as altersgruppe,
    totals.geschlecht,
    'insgesamt' as staatsangehoerigkeit,
    totals.anzahl,
    totals.anzahl__zustand as zustand,
    {{ is_estimate('totals.anzahl__zustand') }} as geschaetzt
from {{ ref('stg_itnrw__fortschreibung') }} as totals
inner join {{ source('warehouse', 'rule_kommune') }} as kommune
    on kommune.kommune_id = totals.gebiet_id
{{ join_gebietsstand('totals', 'itnrw_fortschreibung') }}
