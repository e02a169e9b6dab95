-- The last quote of a world whose clock stands stays fresh for as long as it stands; the log keeps it for an hour.
ALTER TABLE "world_state" ADD COLUMN "held_quote" TEXT;
