"""A joint distribution of the inhabitants that has the margins which the star knows.

The published cells are margins only, and the same for every such distribution.
"""

from typing import TYPE_CHECKING

from disclosure.star.facts import ALL, REST, SILENT, refuse

if TYPE_CHECKING:
    import duckdb


def atoms_of_inhabitants(con: "duckdb.DuckDBPyConnection") -> None:
    """Make `people_atoms`: a joint distribution with the known margins, for each area.

    The persons of an area stand in a row by age band; within a crossed band the sexes follow each
    other, in the whole row the nationality groups do. An atom is where three stretches overlap.
    """
    con.execute(_CROSSINGS)
    refuse(con, _STRANGE_CROSSINGS, "crossings that the release cannot model")
    con.execute(_STRETCHES)
    refuse(con, _NOT_ADDITIVE, "inhabitants whose margins do not add up")
    con.execute(
        f"""
        create table people_atoms as
        with {SILENT.format(source="people")},
        here as (
            select distinct measure, gebietsstand, stichtag, raum from people
            union select measure, gebietsstand, stichtag, raum from silent
        )
        select measure, gebietsstand, stichtag, raum, altersgruppe, band, geschlecht,
            staatsangehoerigkeit,
            case
                when ages.bis is not null and sexes.bis is not null and nations.bis is not null
                    then greatest(0, least(ages.bis, sexes.bis, nations.bis)
                        - greatest(ages.von, sexes.von, nations.von))
            end as n
        from here
        inner join age_codes using (measure, gebietsstand, stichtag)
        inner join sex_codes using (measure, gebietsstand, stichtag)
        inner join nation_codes using (measure, gebietsstand, stichtag)
        left join ages using (measure, gebietsstand, stichtag, raum, altersgruppe, band)
        left join sexes using (measure, gebietsstand, stichtag, raum, band, geschlecht)
        left join nations using (measure, gebietsstand, stichtag, raum, staatsangehoerigkeit)
        """
    )


# Which crossings each measure has; a code of a dimension that it lacks is `insgesamt`.
_CROSSINGS = f"""
create table crossings as
    select distinct measure, gebietsstand, stichtag, altersgruppe, geschlecht,
        staatsangehoerigkeit,
        case
            when altersgruppe = '{ALL}' and geschlecht = '{ALL}' and staatsangehoerigkeit = '{ALL}'
                then 'gesamt'
            when geschlecht = '{ALL}' and staatsangehoerigkeit = '{ALL}' then 'alter'
            when altersgruppe = '{ALL}' and staatsangehoerigkeit = '{ALL}' then 'geschlecht'
            when staatsangehoerigkeit = '{ALL}' then 'band'
            when altersgruppe = '{ALL}' and geschlecht = '{ALL}' then 'nation'
        end as art,
        try_cast(substr(altersgruppe, 1, 2) as integer) as von,
        case
            when altersgruppe like '%+' then 999
            else try_cast(substr(altersgruppe, 4, 2) as integer)
        end as bis
    from people;
create table shapes as
    select measure, gebietsstand, stichtag,
        coalesce(bool_or(art = 'gesamt'), false) as mit_gesamt,
        coalesce(bool_or(art = 'alter'), false) as mit_alter,
        coalesce(bool_or(art = 'geschlecht'), false) as mit_geschlecht,
        coalesce(bool_or(art = 'band'), false) as mit_band,
        coalesce(bool_or(art = 'nation'), false) as mit_nation,
        bool_or(art is null or (art in ('alter', 'band') and (von is null or bis is null)))
            as fremd
    from crossings group by measure, gebietsstand, stichtag;
create table bands as
    select distinct measure, gebietsstand, stichtag, altersgruppe as band, von, bis
    from crossings where art = 'band';
create table age_codes as
    select age.measure, age.gebietsstand, age.stichtag, age.altersgruppe,
        coalesce(bands.band, case when shapes.mit_band then '{REST}' else '{ALL}' end) as band
    from crossings as age
    inner join shapes using (measure, gebietsstand, stichtag)
    left join bands
        on bands.measure = age.measure and bands.gebietsstand = age.gebietsstand
        and bands.stichtag = age.stichtag and age.von <= bands.bis and age.bis >= bands.von
    where age.art = 'alter'
    union all
    select measure, gebietsstand, stichtag, '{ALL}', '{ALL}' from shapes where not mit_alter;
create table sex_codes as
    select distinct measure, gebietsstand, stichtag, geschlecht from crossings
    where art = 'geschlecht'
    union all
    select measure, gebietsstand, stichtag, '{ALL}' from shapes where not mit_geschlecht;
create table nation_codes as
    select distinct measure, gebietsstand, stichtag, staatsangehoerigkeit from crossings
    where art = 'nation'
    union all
    select measure, gebietsstand, stichtag, '{ALL}' from shapes where not mit_nation;
"""

# Only age bands that fill the crossed bands exactly, and sexes for all of whom there is a total.
_STRANGE_CROSSINGS = """
select measure || ' ' || stichtag from shapes
where fremd or not mit_gesamt or (mit_band and not (mit_alter and mit_geschlecht))
union
select bands.measure || ' ' || bands.stichtag
from bands
inner join crossings as age using (measure, gebietsstand, stichtag)
where age.art = 'alter' and age.von <= bands.bis and age.bis >= bands.von
    and (age.von < bands.von or age.bis > bands.bis)
union
select measure || ' ' || stichtag from age_codes
group by measure, gebietsstand, stichtag, altersgruppe having count(*) > 1
"""

_AREA = "measure, gebietsstand, stichtag, raum"

_STRETCHES = f"""
create table known as
    select people.*, crossings.art
    from people
    inner join crossings using (
        measure, gebietsstand, stichtag, altersgruppe, geschlecht, staatsangehoerigkeit
    )
    qualify bool_and(n is not null) over (
        partition by people.measure, people.gebietsstand, people.stichtag, people.raum
    );
create table ages as
    select {_AREA}, age_codes.altersgruppe, age_codes.band, n,
        sum(n) over (
            partition by {_AREA} order by age_codes.band, age_codes.altersgruppe
        ) as bis,
        bis - n as von
    from known inner join age_codes using (measure, gebietsstand, stichtag, altersgruppe)
    where art = 'alter' or (art = 'gesamt' and age_codes.altersgruppe = '{ALL}');
create table counted_sexes as
    with told as (
        select {_AREA}, geschlecht, sum(n) filter (art = 'geschlecht')
            - coalesce(sum(n) filter (art = 'band'), 0) as n
        from known where art in ('geschlecht', 'band') group by all
    )
    select {_AREA}, case when shapes.mit_band then '{REST}' else '{ALL}' end as band,
        geschlecht, n
    from told inner join shapes using (measure, gebietsstand, stichtag)
    union all
    select {_AREA}, altersgruppe, geschlecht, n from known where art = 'band'
    union all
    select {_AREA}, band, '{ALL}', sum(ages.n)
    from ages inner join shapes using (measure, gebietsstand, stichtag)
    where not shapes.mit_geschlecht group by all;
create table sexes as
    with begun as (select {_AREA}, band, min(von) as anfang from ages group by all)
    select {_AREA}, band, geschlecht, n,
        anfang + sum(n) over (partition by {_AREA}, band order by geschlecht) as bis,
        bis - n as von
    from counted_sexes left join begun using ({_AREA}, band);
create table nations as
    select {_AREA}, staatsangehoerigkeit, n,
        sum(n) over (partition by {_AREA} order by staatsangehoerigkeit) as bis,
        bis - n as von
    from known inner join shapes using (measure, gebietsstand, stichtag)
    where art = 'nation' or (art = 'gesamt' and not shapes.mit_nation);
"""

_NOT_ADDITIVE = f"""
with ganze as (select {_AREA}, n from known where art = 'gesamt'),
summed as (
    select {_AREA}, null as band, sum(n) as n from ages group by all
    union all select {_AREA}, null, sum(n) from nations group by all
),
grouped as (
    select {_AREA}, band, sum(n) as n from sexes group by all
)
select raum || ' ' || stichtag from summed left join ganze using ({_AREA})
where summed.n is distinct from ganze.n
union
select raum || ' ' || stichtag
from grouped
full join (select {_AREA}, band, sum(n) as n from ages group by all) as aged
    using ({_AREA}, band)
where grouped.n is distinct from aged.n
union
select raum || ' ' || stichtag from sexes where n < 0
"""
