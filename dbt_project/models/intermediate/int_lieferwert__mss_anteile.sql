{{ needs('mss_anteile') }}
{# Changes of the MSS shares in points. Grain: area × Stichtag × merkmal. #}
select
    'mss_anteile' as feed,
    mss.delivery_id,
    mss.liefereinheit,
    mss.raum_id,
    stand.gebietsstand,
    mss.stichtag,
    concat(mss.merkmal, '_veraenderung') as merkmal,
    mss.veraenderung as wert,
    cast(null as varchar) as klasse,
    mss.veraenderung_zustand as zustand,
    {{ is_estimate('mss.veraenderung_zustand') }} as geschaetzt
from {{ ref('stg_senstadt__mss_anteile') }} as mss
{{ join_gebietsstand('mss', 'mss_anteile') }}
