{# A unit has its published total, if there is one; else the sum of its published parts: a part that
   is withheld or missing is not in it, and `abdeckung` says how much of the inhabitants it covers. #}
with counts as (
    select * from {{ source('released', 'bevoelkerung') }}
),

inhabitants as (
    select raum_id, gebietsstand, stichtag, basis, anzahl as alle
    from counts
    where altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'
        and staatsangehoerigkeit = 'insgesamt'
),

{{ pieces_of('counts', [
    'stichtag', 'basis', 'altersgruppe', 'geschlecht', 'staatsangehoerigkeit'
]) }},

rolled as (
    select
        pieces.ober_raum_id as raum_id,
        counts.gebietsstand,
        pieces.ober_raumebene as raumebene,
        counts.stichtag,
        counts.basis,
        counts.altersgruppe,
        counts.geschlecht,
        counts.staatsangehoerigkeit,
        sum(case when counts.status = 'ok' then counts.anzahl end) as anzahl,
        {{ rolled_status('counts.status') }} as status,
        {{ coverage('counts.status', 'inhabitants.alle') }} as abdeckung
    from counts
    inner join pieces
        on pieces.raum_id = counts.raum_id
        and pieces.gebietsstand = counts.gebietsstand
        and pieces.stichtag = counts.stichtag
        and pieces.basis = counts.basis
        and pieces.altersgruppe = counts.altersgruppe
        and pieces.geschlecht = counts.geschlecht
        and pieces.staatsangehoerigkeit = counts.staatsangehoerigkeit
    left join inhabitants
        on inhabitants.raum_id = counts.raum_id
        and inhabitants.gebietsstand = counts.gebietsstand
        and inhabitants.stichtag = counts.stichtag
        and inhabitants.basis = counts.basis
    group by
        pieces.ober_raum_id, counts.gebietsstand, pieces.ober_raumebene, counts.stichtag,
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
