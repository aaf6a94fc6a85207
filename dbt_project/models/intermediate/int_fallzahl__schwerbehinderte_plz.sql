{{ needs('schwerbehinderte_plz') }}
{# Severely disabled persons by postcode, distributed over areas by their share of its addresses: an
   estimate in whole persons. Each row keeps its sum: what rounding down leaves goes to the areas
   with the largest remainders. Grain: delivery × area. #}
with shares as (
    select list.delivery_id, list.row_number, list.liefereinheit, list.stichtag,
        list.anzahl as gesamt, list.anzahl__zustand as zustand,
        platz.raum_id, platz.gebietsstand,
        list.anzahl * platz.anteil as anteilig
    from {{ ref('stg_versorgungsamt__plz') }} as list
    {{ join_placement('list', 'schwerbehinderte_plz') }}
),

ranked as (
    select
        shares.*,
        gesamt - sum(floor(anteilig)) over (partition by delivery_id, row_number) as rest,
        row_number() over (
            partition by delivery_id, row_number
            order by anteilig - floor(anteilig) desc, raum_id
        ) as rang
    from shares
),

counts as (
    select delivery_id, liefereinheit, stichtag, raum_id, gebietsstand,
        'schwerbehinderte' as merkmal,
        cast(floor(anteilig) + case when rang <= rest then 1 else 0 end as bigint) as anzahl,
        zustand
    from ranked
)

{{ int_fallzahl_of('counts', 'schwerbehinderte_plz', placed=true) }}
