{# Levels are sums of published parts: a part that is withheld or missing is not in them, and
   `abdeckung` says how much of the inhabitants the sum covers. #}
with counts as (
    select * from {{ source('released', 'bevoelkerung') }}
),

inhabitants as (
    select raum_id, gebietsstand, stichtag, basis, anzahl as alle
    from counts
    where altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'
        and staatsangehoerigkeit = 'insgesamt'
),

rolled as (
    select
        bridge.ober_raum_id as raum_id,
        counts.gebietsstand,
        bridge.ober_raumebene as raumebene,
        counts.stichtag,
        counts.basis,
        counts.altersgruppe,
        counts.geschlecht,
        counts.staatsangehoerigkeit,
        sum(case when counts.status = 'ok' then counts.anzahl end) as anzahl,
        {{ rolled_status('counts.status') }} as status,
        {{ coverage('counts.status', 'inhabitants.alle') }} as abdeckung
    from counts
    inner join {{ ref('bridge_raum') }} as bridge
        on bridge.raum_id = counts.raum_id and bridge.gebietsstand = counts.gebietsstand
    left join inhabitants
        on inhabitants.raum_id = counts.raum_id
        and inhabitants.gebietsstand = counts.gebietsstand
        and inhabitants.stichtag = counts.stichtag
        and inhabitants.basis = counts.basis
    group by
        bridge.ober_raum_id, counts.gebietsstand, bridge.ober_raumebene, counts.stichtag,
        counts.basis, counts.altersgruppe, counts.geschlecht, counts.staatsangehoerigkeit
)

select
    raum_id,
    gebietsstand,
    raumebene,
    stichtag,
    basis,
    altersgruppe,
    geschlecht,
    staatsangehoerigkeit,
    cast(anzahl as bigint) as anzahl,
    status,
    false as umgerechnet,
    abdeckung
from rolled
