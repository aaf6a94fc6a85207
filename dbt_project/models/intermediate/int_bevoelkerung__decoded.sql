{# Register counts with age band and sex; coarse bands are a control and stay out.
   Grain: area × Stichtag × age band × sex. #}
select
    register.raum_id,
    register.stichtag,
    'melderegister' as basis,
    bands.altersgruppe,
    bands.geschlecht,
    'insgesamt' as staatsangehoerigkeit,
    register.anzahl,
    register.delivery_id
from {{ ref('stg_afs__einwohner') }} as register
inner join {{ ref('altersgruppen') }} as bands on bands.spalte = register.spalte
where bands.art <> 'grob'
