{{ needs('wahlen') }}
{# Voters by area. Who votes by post is counted in postal districts, which have no Wahlberechtigte
   and lie nowhere: their voters are distributed over the areas of the Kommune by Wahlberechtigte, in
   whole persons that keep their sum. A district without an area belongs to the pseudo-area.
   Grain: delivery × area × merkmal. #}
with districts as (
    select
        result.*,
        coalesce(district.raum_id, concat(result.kommune_id, '-ohne')) as raum_id
    from {{ ref('stg_wahlamt__ergebnisse') }} as result
    left join {{ ref('stg_wahlamt__wahlbezirke') }} as district
        on district.kommune_id = result.kommune_id
        and district.bezirk_nr = result.bezirk_nr
        and district.stichtag = result.stichtag
),

areas as (
    select delivery_id, liefereinheit, stichtag, kommune_id, raum_id,
        sum(wahlberechtigte) as wahlberechtigte,
        sum(coalesce(waehler, 0)) as urnenwaehler
    from districts
    where wahlberechtigte is not null
    group by delivery_id, liefereinheit, stichtag, kommune_id, raum_id
),

postal as (
    select delivery_id, kommune_id, sum(coalesce(waehler, 0)) as briefwaehler
    from districts
    where wahlberechtigte is null
    group by delivery_id, kommune_id
),

shares as (
    select
        areas.*,
        coalesce(postal.briefwaehler, 0) as briefwaehler,
        cast(coalesce(postal.briefwaehler, 0) as double) * areas.wahlberechtigte
            / sum(areas.wahlberechtigte) over (
                partition by areas.delivery_id, areas.kommune_id
            ) as anteilig
    from areas
    left join postal
        on postal.delivery_id = areas.delivery_id and postal.kommune_id = areas.kommune_id
),

ranked as (
    select
        shares.*,
        briefwaehler - sum(floor(anteilig)) over (partition by delivery_id, kommune_id) as rest,
        row_number() over (
            partition by delivery_id, kommune_id
            order by anteilig - floor(anteilig) desc, raum_id
        ) as rang
    from shares
),

counts as (
    select delivery_id, liefereinheit, stichtag, raum_id, 'wahlberechtigte' as merkmal,
        wahlberechtigte as anzahl, cast(null as varchar) as zustand
    from ranked
    union all
    select delivery_id, liefereinheit, stichtag, raum_id, 'waehler',
        urnenwaehler + cast(floor(anteilig) + case when rang <= rest then 1 else 0 end as bigint),
        cast(null as varchar)
    from ranked
)

{{ int_fallzahl_of('counts', 'wahlen') }}
