{# How inhabitants of older areas are carried over to newer ones, and how far that misses: what one
   must know who reads a series. Inhabitants are those published at the last Stichtag of the old
   Gebietsstand. The new Gebietsstand may have no geometry. #}
with einwohner as (
    select raum_id, gebietsstand, stichtag, anzahl, status
    from (
        select
            raum_id, gebietsstand, stichtag, anzahl, status,
            row_number() over (partition by raum_id, gebietsstand order by stichtag desc) as rang,
            max(stichtag) over (partition by gebietsstand) as letzter
        from {{ ref('mart_bevoelkerung') }}
        where basis = 'melderegister' and altersgruppe = 'insgesamt' and geschlecht = 'insgesamt'
            and staatsangehoerigkeit = 'insgesamt'
            and raumebene in ('sozialraum', 'ohne_raum')
    ) as staende
    where rang = 1 and stichtag = letzter
),

anteile as (
    select
        regel.gebietsstand_von,
        regel.gebietsstand_nach,
        regel.raum_id_nach,
        regel.methode,
        regel.gewicht,
        einwohner.stichtag,
        einwohner.anzahl * regel.gewicht as einwohner,
        -- An uninhabited area has no row, and nobody to carry over.
        case when einwohner.status <> 'ok' then 1 else 0 end as fehlt
    from {{ source('warehouse', 'rule_umrechnung') }} as regel
    left join einwohner
        on einwohner.raum_id = regel.raum_id_von
        and einwohner.gebietsstand = regel.gebietsstand_von
),

je_raum as (
    select
        gebietsstand_von,
        gebietsstand_nach,
        raum_id_nach,
        max(methode) as methode,
        count(*) as anzahl_herkunft,
        max(stichtag) as stichtag,
        max(fehlt) as fehlt,
        sum(einwohner) as einwohner,
        sum(case when gewicht < 1 then einwohner else 0 end) as geteilt
    from anteile
    group by gebietsstand_von, gebietsstand_nach, raum_id_nach
),

kreis as (
    select gebietsstand_von, gebietsstand_nach, max(methode) as methode,
        sum(anzahl_herkunft) as anzahl_herkunft, max(stichtag) as stichtag, max(fehlt) as fehlt,
        sum(einwohner) as einwohner, sum(geteilt) as geteilt
    from je_raum
    where methode <> 'gleich'
    group by gebietsstand_von, gebietsstand_nach
),

alle as (
    select je_raum.*, coalesce(raum.raumebene, 'sozialraum') as raumebene,
        raum.raum_id is not null as mit_geometrie
    from je_raum
    left join {{ ref('dim_raum') }} as raum
        on raum.raum_id = je_raum.raum_id_nach and raum.gebietsstand = je_raum.gebietsstand_nach
    union all
    select kreis.gebietsstand_von, kreis.gebietsstand_nach, level.unit, kreis.methode,
        kreis.anzahl_herkunft, kreis.stichtag, kreis.fehlt, kreis.einwohner, kreis.geteilt,
        'kreis', raum.raum_id is not null
    from kreis
    inner join {{ source('warehouse', 'rule_level') }} as level on level.raumebene = 'kreis'
    left join {{ ref('dim_raum') }} as raum
        on raum.raum_id = level.unit and raum.gebietsstand = kreis.gebietsstand_nach
)

select
    alle.gebietsstand_von,
    alle.gebietsstand_nach,
    alle.raum_id_nach,
    alle.raumebene,
    alle.mit_geometrie,
    alle.methode,
    cast(alle.anzahl_herkunft as bigint) as anzahl_herkunft,
    alle.stichtag,
    case when alle.fehlt = 0 then cast(round(coalesce(alle.einwohner, 0)) as bigint) end
        as einwohner,
    case when alle.fehlt = 0 then alle.geteilt / nullif(alle.einwohner, 0) end
        as anteil_umgerechnet,
    fehler.fehler as fehler_anteil,
    case when alle.fehlt = 0 then 'ok' else 'geheim' end as status
from alle
left join {{ source('warehouse', 'rule_umrechnung_fehler') }} as fehler
    on fehler.gebietsstand_von = alle.gebietsstand_von
    and fehler.gebietsstand_nach = alle.gebietsstand_nach
    and fehler.raum_id_nach = alle.raum_id_nach
