// Express and Sequelize as their guides show them: models, eager loading by `include`, validation by the model, `response.json`.

import { createServer } from 'node:http'
import express, { type NextFunction, type Request, type Response } from 'express'
import { DataTypes, Sequelize } from 'sequelize'
import { listen, offsetOf, pageSize, poolSize, settings } from './serve.ts'

const sequelize = new Sequelize(settings().databaseUrl, {
  logging: false,
  pool: { max: poolSize },
  define: { timestamps: false, underscored: true },
})

const Author = sequelize.define('authors', {
  name: { type: DataTypes.STRING(100), allowNull: false },
  email: { type: DataTypes.TEXT, allowNull: false },
})

const Post = sequelize.define('posts', {
  author_id: { type: DataTypes.INTEGER, allowNull: false, validate: { isInt: true } },
  title: { type: DataTypes.STRING(200), allowNull: false, validate: { len: [0, 200] } },
  body: { type: DataTypes.TEXT },
  price: { type: DataTypes.DECIMAL(10, 2), allowNull: false, validate: { isDecimal: true } },
  published_at: { type: DataTypes.DATE, allowNull: false, validate: { isDate: true } },
})

const Tag = sequelize.define('tags', { name: { type: DataTypes.TEXT, allowNull: false } })

const PostTag = sequelize.define('post_tags', {
  post_id: { type: DataTypes.INTEGER, primaryKey: true },
  tag_id: { type: DataTypes.INTEGER, primaryKey: true },
})

Post.belongsTo(Author, { as: 'author', foreignKey: 'author_id' })
Post.belongsToMany(Tag, { as: 'tags', through: PostTag, foreignKey: 'post_id', otherKey: 'tag_id' })

const withRelations = [
  { model: Author, as: 'author' },
  { model: Tag, as: 'tags', through: { attributes: [] } },
]

const app = express()
app.use(express.json())

app.get('/api/posts/:id', async (request, response) => {
  const post = await Post.findByPk(request.params.id)
  if (post === null) response.status(404).json({ error: 'not found' })
  else response.json(post)
})

app.get('/api/posts', async (request, response) => {
  const offset = offsetOf(request.query['page[number]'])
  if (offset === undefined) return void response.status(400).json({ error: 'no such page' })
  const include = request.query['include'] === undefined ? [] : withRelations
  response.json(await Post.findAll({ include, order: [['id', 'ASC']], limit: pageSize, offset }))
})

app.post('/api/posts', async (request, response) => {
  response.status(201).json(await Post.create(request.body as Record<string, unknown>))
})

app.get('/health', (_request, response) => void response.json({ status: 'ok' }))

app.use((error: Error, _request: Request, response: Response, _next: NextFunction) => {
  response.status(error.name === 'SequelizeValidationError' ? 400 : 500).json({ error: error.message })
})

listen(createServer(app))
