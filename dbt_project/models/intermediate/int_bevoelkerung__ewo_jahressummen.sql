{{ needs('ewo_jahressummen') }}
{# Totals of years before the register itself was delivered. Grain: delivery × area. #}
select
    'ewo_jahressummen' as feed,
    summen.delivery_id,
    summen.liefereinheit,
    summen.raum_id,
    stand.gebietsstand,
    summen.stichtag,
    'melderegister' as basis,
    'insgesamt' as altersgruppe,
    'insgesamt' as geschlecht,
    'insgesamt' as staatsangehoerigkeit,
    summen.anzahl,
    cast(null as varchar) as zustand,
    false as geschaetzt
from {{ ref('stg_ewo__jahressummen') }} as summen
{{ join_gebietsstand('summen', 'ewo_jahressummen') }}
