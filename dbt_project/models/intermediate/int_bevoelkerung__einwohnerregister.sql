{{ needs('einwohnerregister') }}
{# Register counts with age band and sex; coarse bands are a control and stay out.
   Grain: area × Stichtag × age band × sex. #}
select
    'einwohnerregister' as feed,
    register.delivery_id,
    register.liefereinheit,
    register.raum_id,
    stand.gebietsstand,
    register.stichtag,
    'melderegister' as basis,
    spalten.altersgruppe,
    spalten.geschlecht,
    'insgesamt' as staatsangehoerigkeit,
    register.anzahl,
    cast(null as varchar) as zustand,
    false as geschaetzt
from {{ ref('stg_afs__einwohner') }} as register
inner join {{ ref('einwohnerregister_spalten') }} as spalten on spalten.spalte = register.spalte
{{ join_gebietsstand('register', 'einwohnerregister') }}
where spalten.art <> 'grob'
