export { type Access, type AccessOptions, openAccess } from './access.ts'
export { carryAccess } from './carry.ts'
export { AccessError } from './password.ts'
export { keepPassword, removePassword } from './password-file.ts'
