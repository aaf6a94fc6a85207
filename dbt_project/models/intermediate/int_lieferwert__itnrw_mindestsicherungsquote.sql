{{ needs('itnrw_mindestsicherungsquote') }}
{# The rate that the state office prints, to be compared with the computed one; that of a Kommune
   lies in its pseudo-area. Grain: delivery × Kommune. #}
select
    'itnrw_mindestsicherungsquote' as feed,
    cells.delivery_id,
    cells.liefereinheit,
    concat(kommune.kommune_id, '-ohne') as raum_id,
    stand.gebietsstand,
    cells.stichtag,
    'mindestsicherungsquote_geliefert' as merkmal,
    cast(cells.quote as double) as wert,
    cast(null as varchar) as klasse,
    cells.quote__zustand as zustand,
    {{ is_estimate('cells.quote__zustand') }} as geschaetzt
from {{ ref('stg_itnrw__mindestsicherungsquote') }} as cells
inner join {{ source('warehouse', 'rule_kommune') }} as kommune
    on kommune.kommune_id = cells.gebiet_id
{{ join_gebietsstand('cells', 'itnrw_mindestsicherungsquote') }}
