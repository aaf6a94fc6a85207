# The edition in R: install.packages(c("DBI", "duckdb")). Run it in the folder that has var/.
library(DBI)

edition <- dbConnect(duckdb::duckdb(), "var/published/current/marts.duckdb", read_only = TRUE)

print(dbGetQuery(edition, "SELECT ausgabe, titel, lizenz, quellenvermerk FROM ausgabe"))

kennzahlen <- dbGetQuery(edition, "
  SELECT raum_id, raum, kommune, zaehler, nenner, wert, status
  FROM kennzahlen_aktuell
  WHERE indikator_id = 'sgb2_quote' AND raumebene = 'sozialraum'
")

# NA is not zero: status tells why there is no value
print(table(kennzahlen$status))

# never the mean of rates: counts are summed, then divided
mit_zahlen <- subset(kennzahlen, !is.na(zaehler) & !is.na(nenner))
summen <- aggregate(cbind(zaehler, nenner) ~ kommune, data = mit_zahlen, FUN = sum)
summen$prozent <- 100 * summen$zaehler / summen$nenner
print(summen)

dbDisconnect(edition, shutdown = TRUE)
