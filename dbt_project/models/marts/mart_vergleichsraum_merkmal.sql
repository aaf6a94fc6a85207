{# What makes an area and its peer alike or not: the distance of mart_vergleichsraum taken apart by
   indicator. Of an area without peers it tells which indicator it lacks. #}
with {{ peer_features() }},

sides as (
    select
        chosen.vergleich_id,
        chosen.raum_id,
        chosen.gebietsstand,
        chosen.raumebene,
        chosen.stichtag,
        chosen.rang,
        chosen.peer_raum_id,
        own.indikator_id,
        own.gewicht,
        own.wert,
        peer.wert as peer_wert,
        {{ standard_distance('own.wert', 'peer.wert', 'own.streuung') | indent(8) }} as abstand,
        own.status
    from {{ ref('mart_vergleichsraum') }} as chosen
    inner join features as own
        on own.vergleich_id = chosen.vergleich_id
        and own.raum_id = chosen.raum_id
        and own.gebietsstand = chosen.gebietsstand
    left join features as peer
        on peer.vergleich_id = own.vergleich_id
        and peer.raum_id = chosen.peer_raum_id
        and peer.gebietsstand = own.gebietsstand
        and peer.indikator_id = own.indikator_id
),

squared as (
    select sides.*, {{ squared_part('gewicht', 'abstand') }} as quadrat from sides
)

select
    vergleich_id,
    raum_id,
    gebietsstand,
    raumebene,
    stichtag,
    rang,
    peer_raum_id,
    indikator_id,
    gewicht,
    wert,
    peer_wert,
    abstand,
    cast(quadrat as double) / nullif(cast(sum(quadrat) over peer as double), 0) as anteil,
    status
from squared
window peer as (partition by vergleich_id, raum_id, gebietsstand, rang)
