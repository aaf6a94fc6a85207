{{ needs('mss_anteile') }}
{# Numerators of the MSS. Grain: area × Stichtag × merkmal. #}
select
    'mss_anteile' as feed,
    rebuilt.delivery_id,
    rebuilt.liefereinheit,
    rebuilt.raum_id,
    stand.gebietsstand,
    rebuilt.stichtag,
    rebuilt.merkmal,
    rebuilt.zaehler as anzahl,
    rebuilt.anteil_zustand as zustand,
    {{ is_estimate('rebuilt.anteil_zustand') }} as geschaetzt
from {{ ref('int_mss__rebuilt') }} as rebuilt
{{ join_gebietsstand('rebuilt', 'mss_anteile') }}
