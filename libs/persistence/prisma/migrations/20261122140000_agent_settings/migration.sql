-- What an agent's owner has chosen for its callbacks: {"compatibilityHeaders": boolean}. Written by api alone.
ALTER TABLE "agent" ADD COLUMN "settings" JSONB NOT NULL DEFAULT '{}';
