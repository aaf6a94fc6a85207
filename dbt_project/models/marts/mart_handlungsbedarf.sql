{# Areas with increased need for action at the newest Stichtag of each set of thresholds, in words. #}
select
    kumulation.raum_id,
    kumulation.gebietsstand,
    raum.raum_name,
    raum.kommune_id,
    kumulation.stichtag,
    kumulation.schwellen_id,
    rule.name as schwellen_name,
    kumulation.anzahl_ueberschritten,
    kumulation.anzahl_bewertet,
    kumulation.anzahl_regeln,
    kumulation.seit,
    kumulation.begruendung,
    kumulation.status
from {{ ref('mart_kumulation') }} as kumulation
inner join (
    select schwellen_id, max(stichtag) as stichtag
    from {{ ref('mart_kumulation') }}
    where anzahl_bewertet > 0
    group by schwellen_id
) as newest
    on newest.schwellen_id = kumulation.schwellen_id and newest.stichtag = kumulation.stichtag
inner join {{ source('warehouse', 'rule_schwellen') }} as rule
    on rule.schwellen_id = kumulation.schwellen_id
inner join {{ ref('dim_raum') }} as raum
    on raum.raum_id = kumulation.raum_id and raum.gebietsstand = kumulation.gebietsstand
where kumulation.erhoehter_bedarf
