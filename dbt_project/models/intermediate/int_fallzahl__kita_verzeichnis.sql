{{ needs('kita_verzeichnis') }}
{# Day-care places by area. Grain: delivery × area. #}
select
    'kita_verzeichnis' as feed,
    kitas.delivery_id,
    kitas.liefereinheit,
    kitas.raum_id,
    stand.gebietsstand,
    kitas.stichtag,
    'kita_plaetze' as merkmal,
    sum(kitas.plaetze) as anzahl,
    cast(null as varchar) as zustand,
    false as geschaetzt
from {{ ref('int_kita__located') }} as kitas
{{ join_gebietsstand('kitas', 'kita_verzeichnis') }}
group by kitas.delivery_id, kitas.liefereinheit, kitas.raum_id, stand.gebietsstand,
    kitas.stichtag
