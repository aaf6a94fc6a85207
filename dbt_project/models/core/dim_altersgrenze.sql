{# The age limit of SGB II by year of birth, § 7a SGB II: who completes these months is above it
   from the end of that month on. #}
select
    geburtsjahr_von,
    geburtsjahr_bis,
    jahre,
    monate,
    cast(jahre * 12 + monate as integer) as grenze_monate
from {{ ref('altersgrenzen') }}
