{# For each Sozialraum those of other Kommunen that are most like it: nearest by the declared
   structural indicators, each standardised over all Sozialräume that have all of them and
   weighted. Equally near ones stand in the order of their keys. From published values only: an
   area that lacks one has no peers, and its one row says why. #}
with {{ peer_features() }},

pairs as (
    select
        own.vergleich_id,
        own.raum_id,
        own.gebietsstand,
        other.raum_id as peer_raum_id,
        sum({{ squared_part(
            'own.gewicht', standard_distance('own.wert', 'other.wert', 'own.streuung')
        ) }}) as quadrat
    from features as own
    inner join {{ ref('dim_raum') }} as lage
        on lage.raum_id = own.raum_id and lage.gebietsstand = own.gebietsstand
    inner join features as other
        on other.vergleich_id = own.vergleich_id
        and other.gebietsstand = own.gebietsstand
        and other.indikator_id = own.indikator_id
    inner join {{ ref('dim_raum') }} as other_lage
        on other_lage.raum_id = other.raum_id and other_lage.gebietsstand = other.gebietsstand
    where own.komplett and other.komplett and other_lage.kommune_id <> lage.kommune_id
    group by own.vergleich_id, own.raum_id, own.gebietsstand, other.raum_id
),

ordered as (
    select
        pairs.*,
        cast(row_number() over (
            partition by vergleich_id, raum_id, gebietsstand order by quadrat, peer_raum_id
        ) as integer) as rang
    from pairs
),

nearest as (
    select ordered.*
    from ordered
    inner join {{ source('warehouse', 'rule_peers') }} as rule
        on rule.vergleich_id = ordered.vergleich_id
    where ordered.rang <= rule.anzahl
),

judged as (
    select
        vergleich_id,
        raum_id,
        gebietsstand,
        raumebene,
        stichtag,
        coalesce(
            {% for status in ['geheim', 'nicht_freigegeben', 'nicht_geliefert'] -%}
            max(case when wert is null and status = '{{ status }}' then status end),
            {% endfor -%}
            max(case when wert is null then status end),
            'ok'
        ) as status
    from features
    group by vergleich_id, raum_id, gebietsstand, raumebene, stichtag
)

select
    judged.vergleich_id,
    judged.raum_id,
    judged.gebietsstand,
    judged.raumebene,
    judged.stichtag,
    coalesce(nearest.rang, 1) as rang,
    nearest.peer_raum_id,
    sqrt(cast(nearest.quadrat as double)) as distanz,
    case
        when judged.status = 'ok' and nearest.peer_raum_id is null then 'nicht_zutreffend'
        else judged.status
    end as status
from judged
left join nearest
    on nearest.vergleich_id = judged.vergleich_id
    and nearest.raum_id = judged.raum_id
    and nearest.gebietsstand = judged.gebietsstand
