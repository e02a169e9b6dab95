-- Great values are not compressed: pglz took most of the processor time of an append of ticks, and half of what it took to
-- acknowledge them. Ticks are kept for an hour and take three times the room. What is stored already stays as it is.
ALTER TABLE "log_record" ALTER COLUMN "value" SET STORAGE EXTERNAL;
