select
    stichtag,
    cast(extract(year from stichtag) as integer) as jahr,
    cast(extract(month from stichtag) as integer) as monat
from (select distinct stichtag from {{ ref('int_stichtag__expected') }}) as stichtage
