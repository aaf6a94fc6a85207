{{ needs('jobcenter_bewertung') }}
{# The Jobcenter's ordinal rating, which stands for no figure. Grain: area × Stichtag. #}
select
    'jobcenter_bewertung' as feed,
    rating.delivery_id,
    rating.liefereinheit,
    rating.raum_id,
    stand.gebietsstand,
    rating.stichtag,
    'bewertung_jobcenter' as merkmal,
    cast(null as double) as wert,
    rating.bewertung as klasse,
    cast(null as varchar) as zustand,
    false as geschaetzt
from {{ ref('stg_jobcenter__bewertung') }} as rating
{{ join_gebietsstand('rating', 'jobcenter_bewertung') }}
