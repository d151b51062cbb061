module realm-ingest/go

go 1.23

require go.mongodb.org/mongo-driver/v2 v2.2.2
